// The panel of parameters: fields named as in the API, empty ones left to the model.

export class Parameters {
    /** `chosen(model)` is called when a preset names a model. */
    constructor(chosen) {
        this.system = document.getElementById("system");
        this.json = document.getElementById("json");
        this.fields = [...document.querySelectorAll("[data-parameter]")];
        this.set(JSON.parse(document.getElementById("parameters").textContent));
        document.getElementById("settings-form").addEventListener("submit", (event) => event.preventDefault());
        const preset = document.getElementById("preset");
        preset?.addEventListener("change", () => {
            const { system, model, parameters } = document.querySelector(`[data-preset="${preset.value}"]`)?.dataset ?? {};
            this.system.value = system ?? "";
            this.set(JSON.parse(parameters ?? "{}"));
            if (model) {
                chosen(model);
            }
        });
    }

    set(values) {
        for (const field of this.fields) {
            const value = values[field.dataset.parameter];
            field.value = Array.isArray(value) ? value.join(", ") : (value ?? "");
        }
        this.json.checked = values.response_format?.type === "json_object";
    }

    get values() {
        const found = {};
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
