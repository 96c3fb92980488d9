// Dialogs that ask before something is done.

/** Whether the person agreed in this dialog. Where Enter in a field shall agree, its way out is no submit button. */
export function agreed(dialog) {
    const cancel = dialog.querySelector("[data-cancel]");
    if (cancel) {
        cancel.onclick = () => dialog.close();
    }
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
}
