// Fields that search while one types (select2) say nothing to a screen reader until something is chosen: they get the
// name of the field that they stand for.

function name(root) {
    for (const select of root.querySelectorAll("select.select2-hidden-accessible")) {
        const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
        const shown = document.getElementById(`select2-${select.id}-container`);
        if (!label || !shown) {
            continue;
        }
        label.id ||= `${select.id}_label`;
        shown.closest(".select2-selection").setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
        shown.setAttribute("aria-labelledby", label.id);
    }
}

// Django's own script makes the fields when jQuery says that the page is there; who asks later is told later.
addEventListener("DOMContentLoaded", () => window.django?.jQuery?.(() => name(document)));
document.addEventListener("formset:added", (event) => setTimeout(() => name(event.target)));
