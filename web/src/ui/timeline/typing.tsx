// Who is typing, on a line that is always there, so that nothing jumps when somebody starts.

import { text } from "../../texts/texts.ts";
import { nameList } from "../parts/names.ts";
import { rich } from "../parts/rich.ts";
import { useUi } from "../state/ui.ts";

const NAMED_MAX = 3;

export function Typing() {
  const people = useUi().view.value.typing.value;
  return (
    <p class="typing" aria-hidden={people.length === 0}>
      {people.length > NAMED_MAX
        ? text("typingCrowd")
        : people.length > 0 && rich(people.length === 1 ? "typingOne" : "typingMany", { who: <bdi>{nameList(people)}</bdi> })}
    </p>
  );
}
