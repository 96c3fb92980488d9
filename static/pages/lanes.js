// Lanes: answers side by side to what is asked in one field. The pages for comparisons and battles say what to send.

import { Attachments } from "./attachments.js";
import { copy } from "./copying.js";
import { Server } from "./server.js";
import { Sidebar } from "./sidebar.js";
import { Socket } from "./socket.js";
import { Stream } from "./stream.js";
import { grow, listen } from "./writing.js";

const NEAR_END_PX = 80;

export const byId = (id) => document.getElementById(id);
export const words = byId("words").dataset;

export class Lanes {
    /** `on`: `ask({ text, files })`, `models(message)`, `opened(title)`, `changed()`, and `hindrance()`, a sentence or nothing. */
    constructor(on) {
        this.on = on;
        this.page = byId("page").dataset;
        this.number = this.page.number || null;
        this.box = byId("lanes");
        this.streams = [...this.box.children].map((lane) => this.dressed(lane));
        this.waiting = 0; // lanes that were asked, and that the server has not begun yet
        this.trouble = "";
        this.lost = false;
        this.wasLost = false;
        [this.prompt, this.send, this.stop, this.again] = ["prompt", "send", "stop", "again"].map(byId);
        this.sent = null; // what was asked last: it comes back when it was not taken
        this.attachments = byId("file") && new Attachments(words, (sentence) => this.explain(sentence), () => this.refresh());
        new Sidebar(new Server(this.page));
        this.listen();
    }

    /** Begin: everything that `on` needs is there. */
    connect() {
        this.socket = new Socket(this.page.socket, {
            open: () => {
                this.lost = false;
                for (const turn of this.running()) {
                    this.socket.send({ type: "follow", message: turn.dataset.message });
                }
                for (const lane of this.elements) {
                    const leaf = lane.querySelector(".turns").lastElementChild?.dataset.message ?? null;
                    this.socket.send({ type: "watch", conversation: lane.dataset.lane, leaf });
                }
                this.refresh();
            },
            message: (message) => this.hear(message),
            lost: () => {
                this.lost = this.wasLost = true;
                this.notTaken();
                this.refresh();
            },
            loggedOut: () => location.assign(`${this.page.login}?next=${encodeURIComponent(location.pathname)}`),
        });
        this.refresh();
    }

    hear(message) {
        const { type } = message;
        if (type === "models") {
            this.on.models(message);
        } else if (type === "lanes") {
            this.open(message);
        } else if (type === "begun") {
            if (!message.elsewhere) {
                this.waiting = Math.max(0, this.waiting - 1);
                this.sent = null;
            }
            this.lane(message.conversation)?.begin(message.after, message.question, message.answer);
        } else if (type === "moved" && this.wasLost && !this.isWritten) {
            location.reload(); // another page went on while this one was away
        } else if (type === "blocks" || type === "text") {
            this.holding(message.message)?.[type](message);
            return;
        } else if (type === "done") {
            this.holding(message.message)?.done(message);
            byId("announcer").textContent = this.running().length ? "" : words.answered;
        } else if (type === "gone") {
            this.holding(message.message)?.find(message.message).remove();
        } else if (type === "error") {
            this.notTaken();
            this.trouble = message.text;
        }
        this.refresh();
    }

    open({ url, number, title, lanes }) {
        this.number = number;
        this.waiting = lanes.length;
        this.box.replaceChildren(...lanes.map((lane, at) => this.made(lane, at)));
        this.streams = [...this.box.children].map((lane) => this.dressed(lane));
        history.replaceState(null, "", url);
        byId("fresh").hidden = false;
        this.on.opened(title);
    }

    made({ conversation, name }, at) {
        const lane = byId("lane").content.firstElementChild.cloneNode(true);
        lane.dataset.lane = conversation;
        this.name(lane, name, at);
        return lane;
    }

    name(lane, name, at) {
        const shown = name || [words.a, words.b][at];
        lane.dataset.name = name;
        lane.querySelector(".lane-name").textContent = lane.querySelector(".lane-name").title = shown;
        lane.querySelector(".lane-talk").setAttribute("aria-label", shown);
    }

    dressed(lane) {
        const list = lane.querySelector(".turns");
        const stream = new Stream(list, lane.querySelector(".lane-talk"), words);
        stream.dress(list);
        stream.scroller.scrollTop = stream.scroller.scrollHeight;
        return stream;
    }

    get elements() {
        return [...this.box.children];
    }

    lane(conversation) {
        return this.streams[this.elements.findIndex((lane) => lane.dataset.lane === conversation)];
    }

    holding(message) {
        return this.streams.find((stream) => stream.find(message));
    }

    running() {
        return [...this.box.querySelectorAll('[data-state="running"]')];
    }

    get isAnswering() {
        return this.waiting > 0 || this.running().length > 0;
    }

    get isAnswered() {
        return this.box.children.length > 1 && !this.isAnswering;
    }

    get canAsk() {
        return !this.lost && this.socket?.isOpen && !this.isAnswering && !this.on.hindrance();
    }

    get isWritten() {
        return Boolean(this.prompt.value.trim() || this.attachments?.items.length);
    }

    submit() {
        if (!this.isWritten || !this.canAsk) {
            return;
        }
        this.sent = { text: this.prompt.value.trim(), files: this.attachments?.take() ?? [] };
        this.prompt.value = "";
        this.say(this.on.ask(this.sent));
        grow(this.prompt);
    }

    /** What was written and not taken stands in its place again. */
    notTaken() {
        this.waiting = 0;
        if (this.sent && !this.prompt.value) {
            this.prompt.value = this.sent.text;
            this.attachments?.putBack(this.sent.files);
            grow(this.prompt);
        }
        this.sent = null;
    }

    explain(sentence) {
        this.trouble = sentence;
        this.refresh();
    }

    say(message) {
        this.trouble = "";
        this.waiting = this.box.children.length || 2;
        this.socket.send(message);
        this.refresh();
    }

    /** POST; what the server refuses is said on the page. One at a time: who clicks twice means it once. */
    async post(path, fields = {}) {
        if (this.posting) {
            return null;
        }
        this.posting = true;
        try {
            return await this.own(await fetch(path, { method: "POST", headers: { "X-CSRFToken": this.page.csrf }, body: new URLSearchParams(fields) }));
        } catch {
            this.explain(words.failed);
            return null;
        } finally {
            this.posting = false;
        }
    }

    async own(response) {
        const told = response.headers.get("Content-Type")?.includes("json") ? await response.json() : {};
        if (response.redirected || told.outdated) {
            location.reload(); // the session ended, or another page has done it
        } else if (response.ok) {
            return told;
        } else {
            this.explain(told.error ?? `${words.failed} HTTP ${response.status}`);
        }
        return null;
    }

    async keep(lane) {
        const told = await this.post(`${this.page.keep}${lane.dataset.lane}`);
        if (told) {
            location.assign(told.url);
        }
    }

    /** What the server made of a vote; `why`: why it does not count. */
    thank(sentence, why) {
        byId("said").textContent = why ? `${sentence} ${words.aside.replace("{why}", () => why)}` : sentence;
        byId("said").hidden = false;
    }

    refresh() {
        const atEnd = this.streams.filter(({ scroller }) => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX);
        const hindrance = this.on.hindrance();
        const answering = this.isAnswering;
        this.send.hidden = answering;
        this.stop.hidden = !answering;
        this.send.disabled = !this.canAsk || !this.isWritten;
        this.again.hidden = !this.isAnswered || Boolean(hindrance);
        byId("welcome").hidden = this.box.children.length > 0;
        this.box.dataset.count = this.box.children.length;
        const banner = byId("banner");
        banner.textContent = this.lost ? words.lost : this.trouble || hindrance || "";
        banner.className = `banner ${!this.lost && this.trouble ? "failed" : ""}`;
        banner.hidden = !banner.textContent;
        for (const lane of this.elements) {
            lane.querySelector("[data-keep]").hidden = !lane.dataset.name || answering;
        }
        this.on.changed();
        for (const { scroller } of atEnd) {
            scroller.scrollTop = scroller.scrollHeight; // what appeared below may have made it smaller
        }
    }

    listen() {
        listen(
            { form: byId("form"), field: this.prompt, stop: this.stop },
            { submit: () => this.submit(), written: () => this.refresh(), isAnswering: () => this.running().length > 0 },
        );
        this.stop.addEventListener("click", () => {
            for (const turn of this.running()) {
                this.socket.send({ type: "stop", message: turn.dataset.message });
            }
            this.prompt.focus();
        });
        this.box.addEventListener("click", (event) => this.clicked(event));
    }

    clicked(event) {
        const button = event.target.closest("button");
        if (!button) {
            return;
        }
        if ("copyCode" in button.dataset) {
            copy(button, button.closest("figure").querySelector("code").textContent, words);
        } else if ("copyTurn" in button.dataset) {
            copy(button, button.closest(".turn").querySelector(".raw").textContent, words);
        } else if ("keep" in button.dataset) {
            this.keep(button.closest(".lane"));
        }
    }
}
