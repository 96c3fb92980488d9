// The panel of parameters: fields named as in the API, empty ones left to the model.

import { Presets } from "./presets.js";

export class Parameters {
    /** `chosen(model)` is called when a preset names a model. */
    constructor(chosen) {
        this.system = document.getElementById("system");
        this.json = document.getElementById("json");
        this.fields = [...document.querySelectorAll("[data-parameter]")];
        this.set(JSON.parse(document.getElementById("parameters").textContent));
        const form = document.getElementById("settings-form");
        form.addEventListener("submit", (event) => event.preventDefault());
        // The browser's own words; other steps than the arrows' are fine.
        form.addEventListener("change", ({ target }) => target.matches(":out-of-range") && target.reportValidity());
        new Presets(this, chosen);
    }

    /** What the panel has no field for, such as a preset's `min_p`, is kept as it is. */
    set(values) {
        const shown = new Set(this.fields.map((field) => field.dataset.parameter));
        this.others = Object.fromEntries(Object.entries(values).filter(([name, value]) => !shown.has(name) && value?.type !== "json_object"));
        for (const field of this.fields) {
            const value = values[field.dataset.parameter];
            field.value = Array.isArray(value) ? value.join(", ") : (value ?? "");
        }
        this.json.checked = values.response_format?.type === "json_object";
    }

    get values() {
        const found = { ...this.others };
        for (const field of this.fields.filter(({ value }) => value.trim() !== "")) {
            found[field.dataset.parameter] = field.type === "number" ? field.valueAsNumber : split(field.value);
        }
        if (this.json.checked) {
            found.response_format = { type: "json_object" };
        }
        return found;
    }
}

function split(text) {
    return text
        .split(",")
        .map((word) => word.trim())
        .filter(Boolean);
}
