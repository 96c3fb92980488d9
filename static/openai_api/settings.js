// What this browser keeps: the settings and the model that was used last.

const KEY = "modelyard.chat";

export class Settings {
    constructor() {
        this.fields = {
            system: document.getElementById("system"),
            temperature: document.getElementById("temperature"),
            maxTokens: document.getElementById("max-tokens"),
        };
        this.kept = read();
        for (const [name, field] of Object.entries(this.fields)) {
            field.value = this.kept[name] ?? "";
            field.addEventListener("input", () => this.keep(name, field.value));
        }
        document.getElementById("settings-form").addEventListener("submit", (event) => event.preventDefault());
    }

    get model() {
        return this.kept.model;
    }

    set model(name) {
        this.keep("model", name);
    }

    get system() {
        return this.fields.system.value.trim();
    }

    /** The fields of a request; what was left empty is the model's own choice. */
    get knobs() {
        const { temperature, maxTokens } = this.fields;
        return { temperature: number(temperature), max_tokens: number(maxTokens) };
    }

    keep(name, value) {
        this.kept[name] = value;
        try {
            localStorage.setItem(KEY, JSON.stringify(this.kept));
        } catch {
            // A private window may forbid it: then the settings last as long as the page.
        }
    }
}

function number(field) {
    return field.value === "" || Number.isNaN(field.valueAsNumber) ? null : field.valueAsNumber;
}

function read() {
    try {
        return JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
        return {};
    }
}
