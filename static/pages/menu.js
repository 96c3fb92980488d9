// What can be done with a whole conversation: rename, share, export, delete.

import { agreed } from "./agreeing.js";

const byId = (id) => document.getElementById(id);

export class Menu {
    /** `renamed(title)` and `deleted()` are called when it happened; `failed(error)` when it could not. */
    constructor(server, on) {
        this.server = server;
        this.on = on;
        this.sheet = byId("more");
        this.act("rename", () => this.rename());
        this.act("share", () => this.share());
        this.act("unshare", () => this.unshare());
        this.act("delete", () => this.remove());
    }

    /** The conversation that the menu is about. */
    about(conversation, title) {
        this.conversation = conversation;
        byId("title").value = title;
        byId("more-open").hidden = false;
        byId("export-md").href = this.server.of(conversation, "export.md");
        byId("export-json").href = this.server.of(conversation, "export.json");
    }

    act(id, work) {
        byId(id).addEventListener("click", async () => {
            this.sheet.hidePopover();
            try {
                await work();
            } catch (error) {
                this.on.failed(error);
            }
        });
    }

    async rename() {
        const field = byId("title");
        const before = field.value;
        if (await agreed(byId("rename-dialog"))) {
            const response = await this.post("rename", { title: field.value });
            this.on.renamed((await response.json()).title);
        } else {
            field.value = before;
        }
    }

    async share() {
        const { url } = await (await this.post("share")).json();
        byId("share-link").value = url;
        byId("unshare").hidden = false;
        byId("share-dialog").showModal();
        byId("share-link").select();
    }

    async unshare() {
        await this.post("unshare");
        byId("unshare").hidden = true;
    }

    async remove() {
        if (await agreed(byId("delete-dialog"))) {
            await this.post("delete");
            this.on.deleted();
        }
    }

    post(action, fields) {
        return this.server.post(this.server.of(this.conversation, action), fields);
    }
}
