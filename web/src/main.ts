// The chat page: wiring only.

import { Conversation } from "./core/conversation.ts";
import { lineageOf } from "./core/lineage.ts";
import { Outbox } from "./core/outbox.ts";
import { randomKey } from "./core/random.ts";
import { SocketLink } from "./core/socket-link.ts";
import { openShelf } from "./ui/local-shelf.ts";
import { Page } from "./ui/page.ts";

const shelf = openShelf();
const outbox = new Outbox(shelf, () => randomKey(crypto));
const page = new Page(() => conversation);
const conversation = new Conversation(new SocketLink(), outbox, page, (milliseconds, due) => {
  const timer = setTimeout(due, milliseconds);
  return () => clearTimeout(timer);
});
conversation.start(lineageOf(shelf, crypto));
