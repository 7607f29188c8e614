// SPDX-License-Identifier: Apache-2.0
// The page of `opjury report --html`: filters, copying, charts. Without it the page shows all there is.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const findings = all(".finding");

  // ---- filters ----
  const form = document.getElementById("filters");
  const search = form.querySelector("[data-search]");
  const facets = all("[data-facet]", form);
  const groups = all(".group"); // what is behind a click, unless it is looked for
  const texts = new Map(findings.map((f) => [f, f.textContent.toLowerCase()]));

  const count = () => {
    const shown = findings.filter((f) => !f.hidden && (f.closest(".group")?.open ?? true)).length;
    document.getElementById("shown").textContent = `${shown} of ${findings.length}`;
  };
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const f of findings) {
      f.hidden = !(facets.every((s) => s.value === "" || f.getAttribute(`data-${s.dataset.facet}`) === s.value) &&
        words.every((w) => texts.get(f).includes(w)));
    }
    const active = words.length > 0 || facets.some((s) => s.value !== "");
    for (const g of groups) {
      g.hidden = all(".finding", g).every((f) => f.hidden);
      g.open = active && !g.hidden;
    }
    count();
  };
  groups.forEach((g) => g.addEventListener("toggle", count));
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));

  // ---- a link to a finding opens it ----
  const follow = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      target.hidden = false;
      target.open = true;
      const group = target.closest(".group");
      if (group !== null) {
        group.hidden = false;
        group.open = true;
      }
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", follow);
  follow();

  // ---- copying ----
  const copyOld = (pre) => { // where the page has no clipboard
    const range = document.createRange();
    range.selectNodeContents(pre);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  };
  for (const button of all(".copy")) {
    const pre = button.parentNode.querySelector("pre");
    button.hidden = false;
    button.addEventListener("click", async () => {
      let done;
      try {
        await navigator.clipboard.writeText(pre.textContent);
        done = true;
      } catch {
        done = copyOld(pre);
      }
      button.textContent = done ? "Copied" : "Select and copy";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  // ---- on paper all that is shown is open ----
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    closed.forEach((d) => { d.open = true; });
  });
  window.addEventListener("afterprint", () => closed.forEach((d) => { d.open = false; }));

  // ---- charts, where the page has the library ----
  const store = document.getElementById("trend-data");
  if (store === null || typeof uPlot === "undefined") {
    return;
  }
  const data = JSON.parse(store.textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const axis = document.getElementById("axis");
  const choice = axis.querySelector("select");
  let plots = [];
  const draw = () => {
    plots.forEach((p) => p.destroy());
    plots = all("figure[data-curve]").map((figure) => {
      figure.querySelector("svg.chart")?.remove();
      const lines = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 } };
      return new uPlot({
        width: 430, height: 220,
        scales: { x: { time: false }, y: { range: (u, low, high) => [0, Math.max(high, 1)] } },
        axes: [lines, { ...lines, size: 64 }],
        series: [
          { label: choice.selectedOptions[0].textContent },
          { label: figure.querySelector("figcaption").textContent, stroke: colour("--accent"), width: 2 },
        ],
      }, [data[choice.value], data[figure.dataset.curve]], figure);
    });
  };
  axis.hidden = false;
  axis.addEventListener("input", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
