// The list of models and what the chosen one is doing, live.

const KEY = "modelyard.model";

export class Picker {
    /** `wanted`: the model to choose if it is there. `changed()` is called when the chosen one or its state changes. */
    constructor(wanted, changed) {
        this.box = document.getElementById("picker");
        this.select = document.getElementById("model");
        this.state = document.getElementById("state");
        this.named = wanted;
        this.wanted = wanted || remembered();
        this.changed = changed;
        this.models = null;
        this.select.addEventListener("change", () => this.choose(this.select.value));
    }

    get chosen() {
        return this.models?.find((model) => model.name === this.select.value);
    }

    /** Whether it is the one that was named, if one was, by its name or another that it answers to. */
    get isAsNamed() {
        return !this.named || Boolean(this.chosen && answersTo(this.chosen, this.named));
    }

    choose(name) {
        this.wanted = name;
        try {
            localStorage.setItem(KEY, name);
        } catch {
            // A private window may forbid it: then it lasts as long as the page.
        }
        this.update(this.models ?? []);
    }

    update(models) {
        const options = models.map(option);
        const changed = options.length !== this.select.length || options.some((option, at) => !option.isEqualNode(this.select.options[at]));
        this.models = models;
        if (changed) {
            this.select.replaceChildren(...options);
        }
        const best = models.find((model) => answersTo(model, this.wanted)) ?? models.find(isReady) ?? models[0];
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

function answersTo({ name, aliases }, wanted) {
    return name === wanted || aliases.includes(wanted);
}

function option(model) {
    const element = document.createElement("option");
    element.value = model.name;
    element.textContent = isReady(model) ? model.name : `${model.name} (${model.word})`;
    return element;
}

function remembered() {
    try {
        return localStorage.getItem(KEY);
    } catch {
        return null;
    }
}
