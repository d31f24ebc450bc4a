// The page of the binary: the views around the core of this browser.

import { openPageChat } from "./core/browser/page-chat.ts";
import { install } from "./ui/shell/installed.ts";
import { prepare, show, takeCode } from "./ui/start.tsx";

const code = takeCode();
const [chat] = await Promise.all([openPageChat(code?.kind === "link" ? { link: code.code } : {}), prepare()]);
show(chat, code);
install();
