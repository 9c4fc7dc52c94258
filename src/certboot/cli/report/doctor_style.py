"""How the doctor's page looks, by day, by night, on a telephone and on paper."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1c2328;--soft:#56616a;--page:#fff;--panel:#f4f6f8;--rule:#d5dbe0;
--good:#1a7f4b;--bad:#c0262d;--warn:#9a6700;--trust:#1f5fbf;--link:#0b57d0}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaed;--soft:#a3adb5;--page:#15191c;--panel:#1f252a;--rule:#39424a;
--good:#4cc38a;--bad:#ff7b80;--warn:#e3b341;--trust:#7fb0ff;--link:#8ab4f8}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI",Roboto,"Liberation Sans",
"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:860px;margin:0 auto;padding:24px 20px}
h1{font-size:1.5rem;margin:0 0 12px}
h2{font-size:1.1rem;margin:0 0 8px}
p{margin:0 0 8px}
section{margin:28px 0}
a{color:var(--link)}
code,pre{font-family:ui-monospace,"Cascadia Mono","DejaVu Sans Mono","Liberation Mono",monospace;font-size:.875em}
pre{background:var(--panel);border:1px solid var(--rule);border-radius:6px;padding:10px 12px;margin:0 0 8px;
white-space:pre-wrap}
.pem{max-height:22em;overflow:auto;font-size:.75em;white-space:pre}
.cause p::first-letter{text-transform:uppercase}
.cause{border:1px solid var(--rule);border-left:8px solid var(--soft);border-radius:6px;padding:14px 16px;
background:var(--panel)}
.cause p:last-child{margin:0}
.cause.fail,.cause.error{border-left-color:var(--bad)}
.cause.warn{border-left-color:var(--warn)}
.cause.ok{border-left-color:var(--good)}
.verdict b{text-transform:uppercase}
.fail .verdict,.error .verdict{color:var(--bad)}
.warn .verdict{color:var(--warn)}
.ok .verdict{color:var(--good)}
.remedies{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(280px,100%),1fr));gap:16px}
.remedies>div{border:1px solid var(--rule);border-radius:6px;padding:14px 16px;min-width:0}
.download{display:inline-block;border:1px solid var(--link);border-radius:6px;padding:6px 14px;text-decoration:none}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid var(--rule);font-weight:normal}
th{color:var(--soft);width:38%}
ol,ul{margin:0 0 8px;padding-left:1.6em}
.sent li{margin-bottom:10px}
dl{display:grid;grid-template-columns:auto minmax(0,1fr);gap:0 12px;margin:0;font-size:.9em}
dt{color:var(--soft)}
dd{margin:0}
footer{color:var(--soft);font-size:.875rem;border-top:1px solid var(--rule);padding-top:10px}
figure{margin:0}
svg{display:block;width:100%;max-width:540px;height:auto}
svg text{font:13px system-ui,"Segoe UI",Roboto,"Liberation Sans","DejaVu Sans",sans-serif;fill:var(--ink);
unicode-bidi:isolate-override;direction:ltr}
svg .name{font-family:ui-monospace,"Cascadia Mono","DejaVu Sans Mono","Liberation Mono",monospace;font-size:13px}
svg .heading{font-weight:600}
svg .fault{fill:var(--bad);font-weight:700}
svg .label{fill:var(--soft);font-size:12px}
.frame{fill:var(--panel);stroke:var(--rule);stroke-width:1.5}
.bar{fill:var(--soft)}
.sent .bar{fill:var(--good)}
.trusted .bar{fill:var(--trust)}
.trusted .frame{stroke:var(--trust)}
.broken .bar,.missing .bar,.end .bar{fill:var(--bad)}
.broken .frame,.missing .frame,.end .frame{stroke:var(--bad)}
.missing .frame,.end .frame,.beside .frame{fill:none;stroke-dasharray:6 5}
.missing .heading,.end .heading{fill:var(--bad)}
.beside text{fill:var(--soft)}
.signs path,.gap path{fill:none;stroke:var(--soft);stroke-width:2}
.gap path{stroke:var(--bad);stroke-dasharray:4 4}
.gap .cross{stroke-dasharray:none;stroke-width:3}
@media print{.pem{max-height:none}section{break-inside:avoid}}
"""
