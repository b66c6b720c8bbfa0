"""Texts that attack pages; each calls `hit` if it is executed.

Collected from the OWASP XSS filter evasion cheat sheet, the html5sec list and known attacks on
template engines and htmx.
"""

from __future__ import annotations

_IN_TEXT = (
    "<script>hit()</script>",
    "<SCRIPT SRC=/x.js></SCRIPT>",
    "</title><script>hit()</script>",
    "</textarea><script>hit()</script>",
    "</script><script>hit()</script>",
    "</pre></code><script>hit()</script>",
    "</style><script>hit()</script>",
    "<img src=x onerror=hit()>",
    "<img src=x onerror='hit()'//",
    "<image src=x onerror=hit()>",
    "<svg onload=hit()>",
    "<svg/onload=hit()>",
    "<svg><script>hit()</script></svg>",
    "<svg><animate onbegin=hit() attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:hit()><text x=20 y=20>x</text></a>",
    "<math><mtext><table><mglyph><style><img src=x onerror=hit()>",
    "<body onload=hit()>",
    "<iframe src=javascript:hit()></iframe>",
    "<iframe srcdoc='<script>parent.hit()</script>'></iframe>",
    "<object data=javascript:hit()></object>",
    "<embed src=javascript:hit()>",
    "<details open ontoggle=hit()>",
    "<video><source onerror=hit()></video>",
    "<audio src=x onerror=hit()>",
    "<input autofocus onfocus=hit()>",
    "<select autofocus onfocus=hit()>",
    "<textarea autofocus onfocus=hit()>",
    "<marquee onstart=hit()>",
    "<form action=javascript:hit()><button autofocus>x</button></form>",
    "<isindex type=image src=1 onerror=hit()>",
    "<meta http-equiv=refresh content=0;url=javascript:hit()>",
    "<base href=javascript:hit()//>",
    "<link rel=stylesheet href=data:text/css,*{color:red}>",
    "<style>@import'data:text/css,*{color:red}';</style>",
    "<div style=background:url(javascript:hit())>x</div>",
    "<template><script>hit()</script></template><slot>",
    "<noscript><p title='</noscript><img src=x onerror=hit()>'>",
    "<xss id=x tabindex=1 onfocus=hit()></xss>",
    "<a href=javascript:hit()>x</a>",
    '<a href="java\tscript:hit()">x</a>',
    "<!--><img src=x onerror=hit()>-->",
    "<![CDATA[<script>hit()</script>]]>",
)
_IN_ATTRIBUTES = (
    '" autofocus onfocus="hit()',
    "' autofocus onfocus='hit()",
    '"><script>hit()</script>',
    "'><script>hit()</script>",
    '"><img src=x onerror=hit()>',
    "` onmouseover=hit() x=`",
    "x onfocus=hit() autofocus",
    "javascript:hit()",
    "data:text/html,<script>hit()</script>",
)
_IN_SCRIPTS = (
    "';hit();//",
    '";hit();//',
    "${hit()}",
    "`-hit()-`",
    "\u2028hit()\u2029",
)
_IN_TEMPLATES = (
    "{{ ''.__class__.__mro__ }}<script>hit()</script>",
    "{% raw %}<script>hit()</script>{% endraw %}",
    '<div hx-on:load="hit()" hx-trigger="load" hx-get="/"></div>',
    '<div hx-get="javascript:hit()" hx-trigger="load" hx-vals="js:{x:hit()}"></div>',
    "[data-x='hit()']<b data-hx-on:load='hit()'>",
    "&lt;script&gt;hit()&lt;/script&gt;&#60;img src=x onerror=hit()&#62;",
)
PAYLOADS = (*_IN_TEXT, *_IN_ATTRIBUTES, *_IN_SCRIPTS, *_IN_TEMPLATES)
