// The box on a model's page: one question through the chat's own websocket, as the person who is logged in.
// Answers are shown as text alone: the admin's theme has no policy that would stop a script.
import { Socket } from "../pages/socket.js";

const plain = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent.trim();

class Trial {
    constructor(form) {
        this.form = form;
        this.words = form.dataset;
        this.model = this.words.try;
        this.text = form.querySelector("textarea");
        this.ask = form.querySelector("[type=submit]");
        this.stop = form.querySelector("[data-try-stop]");
        this.state = form.querySelector("[data-try-state]");
        this.answer = form.querySelector("[data-try-answer]");
        this.chat = form.querySelector("[data-try-chat]");
        this.message = null;
        this.half = ""; // what is said of an answer that was cut off
        this.blocks = [];
        this.open = this.tail = "";
        form.addEventListener("submit", (event) => this.send(event));
        this.stop.addEventListener("click", () => this.socket.send({ type: "stop", message: this.message }));
        this.socket = new Socket("/ws/chat", {
            open: () => { this.ask.disabled = false; },
            lost: () => this.lost(),
            loggedOut: () => location.reload(),
            message: (message) => this[`on_${message.type}`]?.(message),
        });
    }

    send(event) {
        event.preventDefault();
        if (this.ask.disabled || !this.socket.isOpen) return;
        this.running(true);
        this.half = "";
        this.answer.hidden = false;
        this.answer.textContent = "";
        this.state.textContent = this.words.waiting;
        this.socket.send({ type: "ask", text: this.text.value, model: this.model });
    }

    running(now) {
        this.ask.disabled = now;
        this.stop.hidden = !now;
    }

    lost() {
        const half = !this.stop.hidden;
        this.running(false);
        this.ask.disabled = true;
        this.message = null;
        this.state.textContent = this.words.lost;
        if (half) this.half = this.words.half;
    }

    on_models({ models }) {
        const found = models.find((model) => model.name === this.model);
        if (!this.stop.hidden) return;
        const sentence = found ? found.sentence : this.words.none;
        const idle = !found || found.state === "stopped";
        this.state.textContent = this.half || (idle ? this.words.first.replace("{sentence}", () => sentence) : sentence);
    }

    on_begun({ message, url }) {
        this.message = message;
        this.blocks = [];
        this.open = this.tail = "";
        this.chat.href = url;
        this.chat.textContent = this.words.chat;
    }

    on_blocks({ message, first, finished, open, tail }) {
        if (message !== this.message) return;
        this.blocks.splice(first, Infinity, ...finished.map(plain));
        this.open = plain(open);
        this.tail = tail;
        this.show();
    }

    on_text({ message, text }) {
        if (message !== this.message) return;
        this.tail += text;
        this.show();
    }

    show() {
        this.state.textContent = "";
        this.answer.textContent = [...this.blocks, [this.open, this.tail].join("")].filter(Boolean).join("\n\n");
    }

    on_done({ message, turn }) {
        if (message !== this.message) return;
        const page = new DOMParser().parseFromString(turn, "text/html");
        this.answer.textContent = page.querySelector(".raw").textContent;
        const trouble = page.querySelector(".trouble");
        const figures = [...page.querySelectorAll(".figures > span")].map((figure) => figure.textContent);
        this.state.textContent = trouble ? trouble.textContent : figures.join(" · ");
        this.running(false);
    }

    on_error({ text }) {
        this.state.textContent = text;
        this.running(false);
    }
}

document.querySelectorAll("[data-try]").forEach((form) => new Trial(form));
