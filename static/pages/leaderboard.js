// The leaderboard: filters apply when they are changed, and languages have their names.

import { Server } from "./server.js";
import { Sidebar } from "./sidebar.js";

const filters = document.getElementById("filters");
new Sidebar(new Server(document.getElementById("page").dataset));
document.getElementById("apply").hidden = true;
const names = new Intl.DisplayNames(document.documentElement.lang, { type: "language" });
for (const option of filters.language.options) {
    if (/^[a-z]{2,3}$/.test(option.value)) {
        option.textContent = option.textContent.replace(option.value, names.of(option.value));
    }
}
filters.addEventListener("change", () => filters.requestSubmit());
