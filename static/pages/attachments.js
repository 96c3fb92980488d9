// Files that go along with the next message: images as they are, everything else as text.

const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const LONGEST_TEXT = 1_000_000;
const LARGEST_IMAGES = 6_000_000;
// Of all that goes along, as it is sent: below the 10 MB that the server takes by default.
const MOST = 9_000_000;

export class Attachments {
    /** `refused(sentence)` is told of files that cannot be taken; `changed()` of any change. */
    constructor(words, refused, changed) {
        this.list = document.getElementById("attachments");
        this.words = words;
        this.refused = refused;
        this.changed = changed;
        this.items = [];
        const input = document.getElementById("file");
        input.addEventListener("change", async () => {
            await this.add(input.files);
            input.value = "";
        });
        const prompt = document.getElementById("prompt");
        prompt.addEventListener("paste", (event) => {
            const { files, types } = event.clipboardData;
            // Word processors and spreadsheets put a picture of the words beside them.
            const isWords = types.includes("text/plain") && types.includes("text/html");
            if (files.length && !isWords) {
                event.preventDefault();
                this.add(files);
            }
        });
        document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
        document.addEventListener("drop", (event) => {
            if (hasFiles(event)) {
                event.preventDefault();
                this.add(event.dataTransfer.files);
            }
        });
    }

    async add(files) {
        for (const file of files) {
            const item = await this.read(file);
            if (item) {
                this.items.push(item);
            }
        }
        this.show();
    }

    async read(file) {
        const isImage = IMAGES.includes(file.type);
        const sent = isImage ? (file.size * 4) / 3 : file.size;
        if (file.size > (isImage ? LARGEST_IMAGES : LONGEST_TEXT) || this.size() + sent > MOST) {
            this.refused(`${this.words.big} ${file.name}`);
            return null;
        }
        if (isImage) {
            return { kind: "image", name: file.name, url: await dataUrl(file) };
        }
        try {
            const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
            return { kind: "file", name: file.name, text };
        } catch {
            this.refused(`${this.words.binary} ${file.name}`);
            return null;
        }
    }

    size() {
        return this.items.reduce((sum, item) => sum + (item.url ?? item.text).length, 0);
    }

    take() {
        const taken = this.items;
        this.items = [];
        this.show();
        return taken;
    }

    putBack(items) {
        this.items.unshift(...items);
        this.show();
    }

    show() {
        this.list.hidden = !this.items.length;
        this.list.replaceChildren(...this.items.map((item) => this.entry(item)));
        this.changed();
    }

    entry(item) {
        const entry = document.createElement("li");
        const remove = document.createElement("button");
        remove.type = "button";
        remove.className = "button small";
        remove.textContent = "×";
        remove.setAttribute("aria-label", `${this.words.remove} ${item.name}`);
        remove.addEventListener("click", () => {
            this.items = this.items.filter((other) => other !== item);
            this.show();
        });
        const name = document.createElement("span");
        name.textContent = item.name;
        entry.append(name, remove);
        if (item.kind === "image") {
            const preview = document.createElement("img");
            preview.src = item.url;
            preview.alt = "";
            entry.prepend(preview);
        }
        return entry;
    }
}

/** Words that are dragged about go where the browser puts them. */
function hasFiles({ dataTransfer }) {
    return dataTransfer.types.includes("Files");
}

function dataUrl(file) {
    return new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.addEventListener("load", () => resolve(reader.result));
        reader.addEventListener("error", () => reject(reader.error));
        reader.readAsDataURL(file);
    });
}
