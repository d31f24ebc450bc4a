// Renders a parsed message. Every piece of text becomes a text node; only the elements named here are created.

import { type ComponentChild, Fragment } from "preact";
import type { Block, Inline } from "./nodes.ts";
import { isOnlyEmoji, parse } from "./parse.ts";

export function Markdown({ text }: { readonly text: string }) {
  if (isOnlyEmoji(text)) return <p class="emoji">{text}</p>;
  // A changed text is another one: to compare two trees of thousands of pieces takes longer than to make one.
  return <Fragment key={text}>{parse(text).map(block)}</Fragment>;
}

function block(node: Block): ComponentChild {
  switch (node.kind) {
    case "paragraph":
      return <p dir="auto">{node.children.map(inline)}</p>;
    case "code":
      return (
        <pre dir="ltr" tabIndex={0}>
          <code>{node.text}</code>
        </pre>
      );
    case "quote":
      return <blockquote dir="auto">{node.children.map(block)}</blockquote>;
    case "list": {
      const items = node.items.map((item) => <li dir="auto">{item.map(inline)}</li>);
      return node.start === null ? <ul dir="auto">{items}</ul> : <ol dir="auto" start={node.start}>{items}</ol>;
    }
  }
}

function inline(node: Inline): ComponentChild {
  switch (node.kind) {
    case "text":
      return node.text;
    case "break":
      return <br />;
    case "strong":
      return <strong>{node.children.map(inline)}</strong>;
    case "emphasis":
      return <em>{node.children.map(inline)}</em>;
    case "strike":
      return <s>{node.children.map(inline)}</s>;
    case "code":
      return <code dir="auto">{node.text}</code>;
    case "link":
      return <Link href={node.href}>{node.children.map(inline)}</Link>;
  }
}

/** A link into this chat stays in this page; every other one opens without telling where it came from. */
function Link({ href, children }: { readonly href: string; readonly children: ComponentChild }) {
  const here = `${location.origin}${location.pathname}`;
  if (href.startsWith(`${here}#/room/`)) return <a href={href.slice(here.length)}>{children}</a>;
  return (
    <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}
