// The leaderboard: filters apply when they are changed.

import { Server } from "./server.js";
import { Sidebar } from "./sidebar.js";

const filters = document.getElementById("filters");
new Sidebar(new Server(document.getElementById("page").dataset));
document.getElementById("apply").hidden = true;
filters.addEventListener("change", () => filters.requestSubmit());
