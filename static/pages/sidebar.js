// The list of conversations: searched, paged, kept up to date, and a drawer on a phone.

const TYPED_MS = 200;

export class Sidebar {
    constructor(server, current) {
        this.server = server;
        this.current = current;
        this.element = document.getElementById("sidebar");
        this.list = document.getElementById("conversations");
        this.find = document.getElementById("find");
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
        let next;
        try {
            next = await this.server.listed({ find: this.find.value, after: more.dataset.more });
        } catch {
            return;
        }
        const entry = more.parentElement;
        entry.insertAdjacentHTML("afterend", next);
        entry.nextElementSibling?.querySelector("a")?.focus();
        entry.remove();
        this.mark();
    }

    async refresh(current = this.current) {
        this.current = current;
        try {
            this.list.innerHTML = await this.server.listed({ find: this.find.value });
        } catch {
            return; // the server is away: what is listed stays
        }
        this.mark();
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
