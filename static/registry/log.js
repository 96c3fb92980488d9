// A log that follows what is written, until somebody scrolls up or presses Pause. htmx brings what is new.
"use strict";

const NEAR = 24; // pixels: so close to the bottom counts as there

class LogView {
    constructor(element) {
        this.lines = element.querySelector("[data-log-lines]");
        this.button = element.querySelector("[data-log-pause]");
        this.words = element.dataset;
        this.kept = Number(element.dataset.kept);
        this.paused = false;
        this.button.addEventListener("click", () => this.pause(!this.paused));
        this.lines.addEventListener("scroll", () => this.pause(!this.atEnd()));
        this.lines.addEventListener("htmx:beforeRequest", (event) => { if (this.paused) event.preventDefault(); });
        new MutationObserver(() => this.settle()).observe(this.lines, { childList: true });
    }

    atEnd() {
        return this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < NEAR;
    }

    pause(now) {
        if (now === this.paused) return;
        this.paused = now;
        this.button.setAttribute("aria-pressed", String(now));
        this.button.textContent = now ? this.words.resume : this.words.pause;
        this.settle();
    }

    // Nothing moves while somebody reads.
    settle() {
        if (this.paused) return;
        this.forget();
        this.lines.scrollTop = this.lines.scrollHeight;
    }

    forget() {
        const blocks = [...this.lines.querySelectorAll("[data-lines]")];
        let count = blocks.reduce((sum, block) => sum + Number(block.dataset.lines), 0);
        for (const block of blocks) {
            if (count <= this.kept) return;
            count -= Number(block.dataset.lines);
            block.remove();
        }
    }
}

document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-log]").forEach((element) => new LogView(element));
});
