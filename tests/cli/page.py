# SPDX-License-Identifier: Apache-2.0
"""page.py N FOUND HOSTILE CLEAN SCRIPTED LIMITED FOLDER: the pages that html.sh made, in a browser (TAP from test N + 1 on)."""
import glob
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # noqa: E402 # pylint: disable=wrong-import-position

number = int(sys.argv[1])
found, hostile, clean, scripted, limited = ("file://" + os.path.abspath(p) for p in sys.argv[2:7])
folder = sys.argv[7]
SHOWN = """[...document.querySelectorAll('.finding')].filter(f => f.checkVisibility()).map(f => f.id)"""


def check(name, holds, note=""):
    global number
    number += 1
    if not holds:
        print(f"# {note}")
    print(f"{'ok' if holds else 'not ok'} {number} - {name}")


def same(name, got, due):
    check(name, got == due, f"{got!r}, not {due!r}")


def quiet(b, name):
    """Nothing was asked of a network, and no script complained."""
    asked = [e["request"]["url"] for e in b.told("Network.requestWillBeSent")]
    check(f"{name}: nothing is loaded but the page", all(u.startswith("file:") for u in asked) and len(asked) == 1, asked)
    check(f"{name}: no error", not b.told("Runtime.exceptionThrown"), b.told("Runtime.exceptionThrown"))


def choose(b, facet, value):
    """As with the keyboard: the select has the focus, and the arrow goes down to the value."""
    b.ask(f"document.querySelector('[data-facet={facet}]').focus()")
    for _ in range(10):
        if b.ask(f"document.querySelector('[data-facet={facet}]').value") == value:
            return
        b.key("ArrowDown")


def facets(b, name):
    return b.ask(f"[...document.querySelectorAll('.finding')].map(f => [f.id, f.getAttribute('data-{name}')])")


ALL = "[...document.querySelectorAll('.finding')].map(f => f.id)"
FIRST = "[...document.querySelectorAll('.finding')].filter(f => !f.closest('.group')).map(f => f.id)"


def check_groups(b):
    """Known ones are behind a click; a link goes there all the same."""
    states = dict(facets(b, "state"))
    new = [i for i, state in states.items() if state == "new"]
    known = [i for i, state in states.items() if state == "known"]
    check("groups: there are new and known ones", new and known, states)
    same("groups: only new ones are seen at first", b.ask(SHOWN), new)
    same("groups: counted", b.ask("document.getElementById('shown').textContent"), f"{len(new)} of {len(states)}")
    b.click("#settled > summary")
    b.ask("new Promise(r => setTimeout(r, 50))")
    same("groups: a click shows the others", b.ask(SHOWN), new + known)
    same("groups: and counts them", b.ask("document.getElementById('shown').textContent"),
         f"{len(states)} of {len(states)}")
    b.click("#settled > summary")
    b.ask("new Promise(r => setTimeout(r, 50))")
    b.ask(f"location.hash = '#{known[0]}'")
    b.ask("new Promise(r => setTimeout(r, 50))")
    check("groups: a link opens them", b.ask(f"document.getElementById('{known[0]}').checkVisibility()"))
    b.ask("location.hash = ''")
    b.open(found)
    quiet(b, "found")


def check_limit(b):
    b.open(limited)
    quiet(b, "limited")
    first, everything = b.ask(SHOWN), b.ask(ALL)
    check("limit: one of each library is seen", len(first) == 2 < len(everything) - 1, (first, everything))
    waiting = b.ask("[...document.querySelectorAll('#waiting .finding')].map(f => f.id)")
    said = b.ask("document.querySelector('#waiting > summary').textContent")
    check("limit: it says how many wait", re.match(rf"{len(waiting)} more waits?: 1 open", said), said)
    b.click("#waiting > summary")
    same("limit: a click shows them", b.ask(SHOWN), first + waiting)


def check_filters(b):
    everything = b.ask(SHOWN)
    check("there are several findings", len(b.ask(ALL)) >= 3, b.ask(ALL))
    for facet in ("library", "oracle", "state"):
        values = facets(b, facet)
        value = values[-1][1]
        due = [i for i, v in values if v == value]
        check(f"{facet}: there is something to choose", 0 < len(due) < len(values), values)
        choose(b, facet, value)
        same(f"{facet}: only those are seen", b.ask(SHOWN), due)
        same(f"{facet}: they are counted", b.ask("document.getElementById('shown').textContent"),
             f"{len(due)} of {len(values)}")
        b.click("#filters button[type=reset]")
        b.ask("new Promise(r => setTimeout(r, 50))")
        same(f"{facet}: all again", b.ask(SHOWN), everything)
    b.click("[data-search]")
    b.type("SigSegv")
    due = b.ask("[...document.querySelectorAll('.finding')].filter(f => /sigsegv/i.test(f.textContent)).map(f => f.id)")
    check("search: there is something to find", 0 < len(due) < len(b.ask(ALL)), due)
    same("search: only what has the word", b.ask(SHOWN), due)
    b.type(" no-such-word")
    same("search: every word must be there", b.ask(SHOWN), [])
    b.click("#filters button[type=reset]")
    b.ask("new Promise(r => setTimeout(r, 50))")


def check_finding(b):
    check("closed: the program is not seen", not b.ask("document.querySelector('svg.program').checkVisibility()"))
    opened = b.ask("document.querySelector('svg.program').closest('details').id")
    b.click(f"#{opened} > summary")
    check("a click opens it", b.ask("document.querySelector('svg.program').checkVisibility()"))
    drawn = b.ask("""[...document.querySelectorAll('.finding')].filter(f => f.querySelector('svg.program')).map(f => [
        f.querySelectorAll('svg.program rect.op').length, f.querySelector('pre.text').textContent])""")
    ops = [(boxes, len(re.findall(r"^[a-z]\w*: .*= (?!input|const)\w+\(", text, re.M)))
           for boxes, text in drawn]
    check("a box for every op", ops and all(boxes == n > 0 for boxes, n in ops), ops)
    inside = b.ask("""[...document.querySelectorAll('svg.program')].every(s => {
        s.closest('details').open = true;
        const w = s.viewBox.baseVal;
        const box = s.getBBox();
        return box.x >= 0 && box.y >= 0 && box.x + box.width <= w.width && box.y + box.height <= w.height;
    })""")
    check("the drawing is inside its frame", inside)
    apart = b.ask("""[...document.querySelectorAll('svg.program')].every(s => {
        const boxes = [...s.querySelectorAll('rect')].map(r => r.getBBox());
        return boxes.every((p, i) => boxes.every((q, j) => i === j || p.x >= q.x + q.width || q.x >= p.x + p.width ||
            p.y >= q.y + q.height || q.y >= p.y + p.height));
    })""")
    check("no box lies on another", apart)
    check("labels have dtype and shape", b.ask("""[...document.querySelectorAll('svg.program .label')].every(
        t => /^(bool|[iuf]\\d+|bf16)\\[[\\d,]*\\]$/.test(t.textContent))"""))
    rows = b.ask(f"[...document.querySelectorAll('#{opened} .verdicts tbody tr')].length")
    same("a verdict for every target", rows, 3)
    same("the one at fault is marked", b.ask(f"document.querySelectorAll('#{opened} .verdicts .culprit').length"), 1)


def check_accounting(b):
    table = b.ask("""[...document.querySelectorAll('#accounting tr')].slice(1).map(
        r => [...r.querySelectorAll('.number')].map(c => Number(c.textContent)))""")
    check("accounting: each row adds up to its runs", all(sum(row[:-1]) == row[-1] for row in table), table)
    check("accounting: the last row is the sum", [sum(c) for c in zip(*table[:-1])] == table[-1], table)
    same("accounting: eight verdicts", len(table[0]) - 1, 8)
    same("accounting: every run", table[-1][-1], 600)


def check_keyboard(b):
    b.open(found)
    for _ in range(40):
        b.key("Tab")
        if b.ask("document.activeElement.matches('.finding > summary')"):
            break
    check("keyboard: Tab reaches a finding", b.ask("document.activeElement.matches('.finding > summary')"))
    b.key("Enter")
    same("keyboard: Enter opens it", b.ask("document.querySelectorAll('.finding[open]').length"), 1)


def check_looks(b):
    def contrast():
        return b.ask("""(() => {
            const light = c => c.match(/\\d+/g).slice(0, 3).map(v => v / 255).map(
                v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce(
                (s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
            const back = light(getComputedStyle(document.body).backgroundColor);
            const all = [...document.querySelectorAll('h1, p, th, dt, dd, .badge, .label')].map(e => {
                const s = getComputedStyle(e);
                const own = light(e instanceof SVGElement ? s.fill : s.color);
                return (Math.max(own, back) + 0.05) / (Math.min(own, back) + 0.05);
            });
            return [back, Math.min(...all)];
        })()""")

    # WCAG 2.1, 1.4.3: text has a contrast of at least 4.5.
    for name, on in (("light", False), ("dark", True)):
        b.dark(on)
        back, least = contrast()
        check(f"{name}: the ground is {name}", (back < 0.2) == on, back)
        check(f"{name}: text is readable", least >= 4.5, least)
    b.dark(False)
    b.call("Emulation.setEmulatedMedia", media="print")
    check("print: no controls", not b.ask("[...document.querySelectorAll('form, button')].some(e => e.checkVisibility())"))
    b.call("Emulation.setEmulatedMedia", media="")
    b.ask("window.dispatchEvent(new Event('beforeprint'))")
    check("print: all is open", b.ask("[...document.querySelectorAll('details')].every(d => d.open)"))
    b.ask("window.dispatchEvent(new Event('afterprint'))")


def check_copy(b):
    b.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    b.open(scripted)
    quiet(b, "scripted")
    b.ask("document.querySelector('.copy').closest('details').open = true")
    b.click(".copy")
    b.ask("new Promise(r => setTimeout(r, 300))")
    same("copy: it says so", b.ask("document.querySelector('.copy').textContent"), "Copied")
    script = b.ask("document.querySelector('.copy').parentNode.querySelector('pre').textContent")
    same("copy: the script is on the clipboard", b.ask("navigator.clipboard.readText()"), script)


def check_trends(b, has_library):
    same("trends: three of them", b.ask("document.querySelectorAll('#trends figure').length"), 3)
    lines = len(open(f"{folder}/progress.csv", encoding="ascii").readlines()) - 1
    data = b.ask("JSON.parse(document.getElementById('trend-data').textContent)")
    check("trends: the points of the campaign", len(data["tests"]) == lines and data["tests"][-1] == 200, data)
    if has_library:
        check("trends: charts are drawn", b.ask("document.querySelectorAll('#trends canvas').length") == 3)
        first = b.ask("document.querySelector('#trends canvas').toDataURL()")
        b.ask("document.querySelector('[data-axis]').focus()")
        b.key("ArrowDown")
        same("trends: the axis is chosen", b.ask("document.querySelector('[data-axis]').value"), "cpu")
        check("trends: and drawn", b.ask("document.querySelector('#trends canvas').toDataURL()") != first)
    else:
        same("trends: our own curves", b.ask("document.querySelectorAll('#trends svg.chart .curve').length"), 3)
        print("# built without the chart library: `make report-assets` fetches it")


def check_hostile(b):
    b.open(hostile)
    quiet(b, "hostile")
    same("hostile: nothing of it ran", b.ask("typeof window.hacked"), "undefined")
    same("hostile: no element of it", b.ask("document.querySelectorAll('img, b b, h1 script, .finding script').length"), 0)
    check("hostile: it is read as text", b.ask("document.querySelector('.finding').textContent").count("<script>") > 0)
    same("hostile: filters still work", b.ask(SHOWN), b.ask(FIRST))


def check_policy(b):
    """What got in all the same must not run or load: planted behind our escapes."""
    path = os.path.abspath("planted.html")
    with open(found[len("file://"):], encoding="utf-8") as f:
        page = f.read()
    planted = ('<script>window.hacked = 1</script><img src="http://127.0.0.1:9/x" onerror="hacked = 1">'
               '<style>body { display: none }</style>')
    with open(path, "w", encoding="utf-8") as f:
        f.write(page.replace("<main>", "<main>" + planted))
    b.open("file://" + path)
    same("policy: a planted script does not run", b.ask("typeof window.hacked"), "undefined")
    check("policy: nor a planted style", b.ask("getComputedStyle(document.body).display") == "block")
    # A request that the policy stops is told of, and that it was stopped.
    stopped = {e["requestId"] for e in b.told("Network.loadingFailed") if e.get("blockedReason") == "csp"}
    asked = [e["request"]["url"] for e in b.told("Network.requestWillBeSent") if e["requestId"] not in stopped]
    check("policy: the network is not asked", len(asked) == 1 and len(stopped) == 1, (asked, stopped))
    check("policy: ours run", b.ask("!document.getElementById('filters').hidden"))


def check_without_script(b):
    b.call("Emulation.setScriptExecutionDisabled", value=True)
    b.open(found)
    tree = json.dumps(b.call("DOMSnapshot.captureSnapshot", computedStyles=["display"])["strings"])
    b.call("Emulation.setScriptExecutionDisabled", value=False)
    check("without a script: findings and curves are there", "finding-" in tree and "svg" in tree)
    check("without a script: drawn by ourselves", b.ask("document.querySelectorAll('svg.chart .curve').length") == 3)
    check("without a script: no dead controls", b.ask("document.getElementById('filters').checkVisibility()") is False)


def main():
    if browser.program() is None:
        print(f"ok {number + 1} - the page in a browser # skip no chromium: scripts/setup test installs it")
        return
    with browser.Browser() as b:
        b.open(found)
        quiet(b, "found")
        has_library = b.ask("typeof uPlot !== 'undefined'")
        check_groups(b)
        check_filters(b)
        check_finding(b)
        check_accounting(b)
        check_looks(b)
        check_trends(b, has_library)
        check_keyboard(b)
        check_copy(b)
        check_hostile(b)
        check_policy(b)
        check_limit(b)
        check_without_script(b)
        b.open(clean)
        quiet(b, "clean")
        same("clean: nothing found", b.ask(SHOWN), [])


main()
