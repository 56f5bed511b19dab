// Every page: what the server kept apart, ages that tick, the live channel, the kill switch, the theme.
import { keepers } from "./swap.js";
import { tickForever } from "./ages.js";
import { connect } from "./live.js";
import { armControls } from "./control.js";
import { armKeys } from "./keys.js";
import { armMenu } from "./menu.js";
import { armOwn } from "./own.js";
import { armSwitch } from "./switch.js";
import { armTheme } from "./theme.js";

keepers(document);
tickForever();
armSwitch();
armControls();
armTheme();
armKeys();
armMenu();
armOwn();
connect();

// Charts are loaded where there are some: on this page, or in a panel that comes later.
const charts = () => { if (document.querySelector("[data-chart]")) import("./charts.js"); };
document.addEventListener("swapped", charts);
charts();
