// The list of conversations: searched, paged, kept up to date, and a drawer on a phone.

const TYPED_MS = 200;

export class Sidebar {
    constructor(server, current) {
        this.server = server;
        this.current = current;
        this.element = document.getElementById("sidebar");
        this.list = document.getElementById("conversations");
        this.find = document.getElementById("find");
        this.asked = { find: "" };
        this.opener = document.getElementById("sidebar-open");
        this.opener.addEventListener("click", () => this.open(!this.element.classList.contains("open")));
        document.getElementById("sidebar-close").addEventListener("click", () => this.open(false));
        this.element.addEventListener("keydown", (event) => {
            if (event.key === "Escape") {
                this.open(false);
                this.opener.focus();
            }
        });
        this.find.addEventListener("input", () => {
            clearTimeout(this.typing);
            this.typing = setTimeout(() => this.refresh(), TYPED_MS);
        });
        this.list.addEventListener("click", async (event) => {
            const more = event.target.closest("[data-more]");
            if (more) {
                await this.append(more);
            }
        });
    }

    open(shown) {
        this.element.classList.toggle("open", shown);
        this.opener.setAttribute("aria-expanded", shown);
        if (shown) {
            this.find.focus();
        }
    }

    async append(more) {
        this.had = this.links().length;
        const next = await this.extend(more);
        next?.querySelector("a")?.focus();
        await this.goOn();
    }

    /** Something was asked in this one, so that it is the newest now; what is not listed yet is asked for. */
    newest(current) {
        const entry = [...this.links()].find((link) => link.dataset.conversation === current)?.parentElement;
        if (!entry || this.find.value) {
            this.refresh(current);
            return;
        }
        this.current = current;
        this.list.prepend(entry);
        this.mark();
    }

    async refresh(current = this.current) {
        this.current = current;
        const asked = (this.asked = { find: this.find.value });
        let found;
        try {
            found = await this.server.listed(asked);
        } catch {
            return; // the server is away: what is listed stays
        }
        if (asked !== this.asked) {
            return; // by now something else is looked for
        }
        this.had = 0;
        this.list.innerHTML = found;
        this.mark();
        await this.goOn();
    }

    /** A search that ran out of time says so: the rest is asked for until the page is full or all is searched. */
    async goOn() {
        const { asked } = this;
        let more = this.list.querySelector("[data-searching]");
        while (more && asked === this.asked && (await this.extend(more, this.links().length - this.had))) {
            more = this.list.querySelector("[data-searching]");
        }
    }

    /** Puts the next part in the place of the button. Gives what follows then, or null when it did not come. */
    async extend(more, had = 0) {
        const entry = more.parentElement;
        let next;
        try {
            next = await this.server.listed({ ...this.asked, after: more.dataset.more, had });
        } catch {
            return null;
        }
        if (!entry.isConnected) {
            return null; // another list is here by now
        }
        entry.insertAdjacentHTML("afterend", next);
        const first = entry.nextElementSibling;
        entry.remove();
        if (this.links().length) {
            this.list.querySelector(".none")?.remove();
        }
        this.mark();
        return first;
    }

    links() {
        return this.list.querySelectorAll("a");
    }

    mark() {
        for (const entry of this.list.querySelectorAll("a")) {
            if (entry.dataset.conversation === this.current) {
                entry.setAttribute("aria-current", "page");
            } else {
                entry.removeAttribute("aria-current");
            }
        }
    }
}
