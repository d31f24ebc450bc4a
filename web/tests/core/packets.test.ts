// Goal: our packets are those of the official client, for everything that is JSON.

import fc from "fast-check";
import * as official from "socket.io-parser";
import { describe, expect, test } from "vitest";
import { Decoder, Encoder, type Packet } from "../../src/core/packets.ts";

const object = fc.dictionary(fc.string(), fc.jsonValue());
const name = fc.string().filter((word) => !["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"].includes(word));
const nsp = fc.constantFrom("/", "/v1", "/a/b");
const id = fc.option(fc.nat(), { nil: undefined });
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({ type: fc.constant(0), nsp, data: fc.option(object, { nil: undefined }) }),
  fc.record({ type: fc.constant(1), nsp }),
  fc.record({ type: fc.constant(2), nsp, id, data: fc.tuple(name, fc.jsonValue()) }),
  fc.record({ type: fc.constant(3), nsp, id: fc.nat(), data: fc.array(fc.jsonValue()) }),
  fc.record({ type: fc.constant(4), nsp, data: fc.oneof(fc.string(), object) }),
) as fc.Arbitrary<Packet>;

/** What a decoder makes of a text; null where it throws. */
function read(decoder: Decoder | official.Decoder, text: string): unknown {
  let read: unknown = null;
  (decoder as Decoder).on("decoded", (told) => (read = told));
  try {
    decoder.add(text);
    return read;
  } catch {
    return null;
  }
}

describe("a packet", () => {
  test("is written as the official client writes it, and read back as it was", () => {
    fc.assert(
      fc.property(packet, (sent) => {
        const [text = "", ...more] = new Encoder().encode(sent);
        expect([text, ...more]).toEqual(new official.Encoder().encode(sent as never));
        expect(read(new Decoder(), text)).toEqual(read(new official.Decoder(), text));
        expect(JSON.stringify(read(new Decoder(), text))).toEqual(JSON.stringify(read(new official.Decoder(), text)));
        expect(read(new Decoder(), text)).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  test.each(["", "7", "x", "2", "2/v1,", "3", "4", "2{}", '2["connect"]', '2["disconnect",1]', '2["connect_error"]', "2[{}]", "2[", "1{}", "0[]", "0null", "3{}", "4[]", "4null", "51-[]", "2[]"])(
    "that is none ends the connection: %j",
    (text) => expect(read(new Decoder(), text)).toBeNull(),
  );

  test("is told to nobody once the client is done with it", () => {
    const decoder = new Decoder();
    let told = 0;
    decoder.on("decoded", () => (told += 1));
    decoder.add("0");
    decoder.off();
    decoder.add("0");
    expect(told).toBe(1);
  });
});
