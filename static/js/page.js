// Every page: what the server kept apart, ages that tick, the live channel, the kill switch, the theme.
import { keepers } from "./swap.js";
import { tickForever } from "./ages.js";
import { connect } from "./live.js";
import { armControls } from "./control.js";
import { armSwitch } from "./switch.js";
import { armTheme } from "./theme.js";

keepers(document);
tickForever();
armSwitch();
armControls();
armTheme();
connect();
