// The select of the model tells only jQuery what was chosen; htmx listens to the browser's own events.
document.addEventListener("DOMContentLoaded", () => {
    const jquery = window.django && window.django.jQuery;
    if (jquery) {
        jquery(document).on("select2:select select2:unselect", "select", (event) => {
            event.target.dispatchEvent(new Event("input", { bubbles: true }));
        });
    }
});
