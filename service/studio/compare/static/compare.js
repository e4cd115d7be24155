import { onReady } from "../studio/studio.js";

onReady(() => {});
