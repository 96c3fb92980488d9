// Dialogs that ask before something is done.

/** Whether the person agreed in this dialog. */
export function agreed(dialog) {
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
}
