// The list of models and what the chosen one is doing, live.

export class Picker {
    /** `changed()` is called when another model is chosen or the chosen one does something else. */
    constructor(settings, changed) {
        this.box = document.getElementById("picker");
        this.select = document.getElementById("model");
        this.state = document.getElementById("state");
        this.settings = settings;
        this.changed = changed;
        this.models = null;
        this.select.addEventListener("change", () => {
            this.settings.model = this.select.value;
            this.show();
        });
    }

    get chosen() {
        return this.models?.find((model) => model.name === this.select.value);
    }

    update(models) {
        const wanted = this.models?.length ? this.select.value : this.settings.model;
        this.models = models;
        this.select.replaceChildren(...models.map(option));
        const best = models.find((model) => model.name === wanted) ?? models.find(isReady) ?? models[0];
        if (best) {
            this.select.value = best.name;
        }
        this.show();
    }

    show() {
        const model = this.chosen;
        this.box.hidden = !model;
        if (model) {
            const text = document.createElement("span");
            text.textContent = model.word;
            this.state.className = `state ${model.state}`;
            this.state.title = model.sentence;
            this.state.replaceChildren(text);
        }
        this.changed();
    }
}

export function isReady(model) {
    return model?.state === "ready";
}

function option(model) {
    const element = document.createElement("option");
    element.value = model.name;
    element.textContent = isReady(model) ? model.name : `${model.name} (${model.state})`;
    return element;
}
