// The page in the binary: the views and the core of this browser.

import { openPageChat } from "./core/browser/page-chat.ts";
import { install } from "./ui/shell/installed.ts";
import { prepare, show, takeCode } from "./ui/start.tsx";

const code = takeCode();
const [{ chat, identities }] = await Promise.all([openPageChat(), prepare()]);
show(chat, code, identities);
install();
