// Earlier comparisons and battles: their dates as the reader writes them, and deleting.

import { agreed } from "./agreeing.js";
import { Server } from "./server.js";
import { Sidebar } from "./sidebar.js";

const byId = (id) => document.getElementById(id);
const page = byId("page").dataset;
const server = new Server(page);
const when = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

new Sidebar(server);
for (const time of document.querySelectorAll("time")) {
    time.textContent = when.format(new Date(time.dateTime));
}
byId("entries")?.addEventListener("click", async (event) => {
    const entry = event.target.closest("[data-delete]")?.closest(".entry");
    if (!entry || !(await agreed(byId("delete-dialog")))) {
        return;
    }
    try {
        await server.post(`${page.start}${entry.dataset.entry}/delete`);
        gone(entry);
    } catch (error) {
        byId("trouble").textContent = `${byId("words").dataset.failed} ${error.message}`;
        byId("trouble").hidden = false;
    }
});

function gone(entry) {
    const next = entry.nextElementSibling ?? entry.previousElementSibling;
    entry.remove();
    if (next) {
        next.querySelector("a").focus();
    } else {
        location.assign(location.pathname); // what comes next, or what to do first
    }
}
