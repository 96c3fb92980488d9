// Presets: chosen ones fill the panel, and what is in the panel is kept under a name.

import { Server } from "./server.js";
import { isEnter } from "./writing.js";

const byId = (id) => document.getElementById(id);

export class Presets {
    /** `chosen(model)` is called when a preset names a model. */
    constructor(parameters, chosen) {
        this.server = new Server(document.querySelector("[data-csrf]").dataset);
        this.parameters = parameters;
        this.chosen = chosen;
        this.box = byId("presets");
        this.name = byId("preset-name");
        this.box.addEventListener("change", () => this.choose());
        byId("preset-save").addEventListener("click", () => this.change("presets", () => this.content));
        this.name.addEventListener("keydown", (event) => {
            if (isEnter(event)) {
                event.preventDefault();
                byId("preset-save").click();
            }
        });
        byId("preset-delete").addEventListener("click", () => this.change(`presets/${this.option.value}/delete`, () => ({})));
        this.show();
    }

    get option() {
        return byId("preset")?.selectedOptions[0];
    }

    get content() {
        const { system, values } = this.parameters;
        return { name: this.name.value, system: system.value, model: byId("model")?.value ?? "", parameters: JSON.stringify(values) };
    }

    choose() {
        const { system, model, parameters } = this.option.dataset;
        this.parameters.system.value = system ?? "";
        this.parameters.set(JSON.parse(parameters ?? "{}"));
        if (model) {
            this.chosen(model);
        }
        this.show();
    }

    /** Only one's own can be replaced and deleted. */
    show() {
        const own = Boolean(this.option && "own" in this.option.dataset);
        this.name.value = own ? this.option.textContent : "";
        byId("preset-delete").hidden = !own;
        byId("preset-trouble").hidden = true;
    }

    async change(path, content) {
        try {
            const response = await this.server.post(`${this.server.home}${path}`, content());
            this.box.innerHTML = await response.text();
            this.show();
            (byId("preset") ?? this.name).focus();
        } catch (error) {
            byId("preset-trouble").textContent = error.message;
            byId("preset-trouble").hidden = false;
        }
    }
}
