"use strict";
(function () {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const plots = Array.from(document.querySelectorAll(".plot"));

  // Text, axes and grids in the colours of the page, which the style sheet defines for light and dark.
  function colours(layout) {
    const style = getComputedStyle(document.documentElement);
    const text = style.getPropertyValue("--text").trim();
    const line = style.getPropertyValue("--line").trim();
    const ground = style.getPropertyValue("--card").trim();
    const change = { "font.color": text, "hoverlabel.bgcolor": ground, "hoverlabel.font.color": text };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      change[axis + ".gridcolor"] = line;
      change[axis + ".linecolor"] = line;
      change[axis + ".tickcolor"] = line;
      change[axis + ".zerolinecolor"] = line;
    }
    return change;
  }

  function recolour() {
    plots.forEach((plot) => plot.layout && Plotly.relayout(plot, colours(plot.layout)));
  }

  plots.forEach((plot) => {
    const figure = JSON.parse(plot.querySelector("script").textContent);
    plot.replaceChildren();
    const options = { responsive: true, displaylogo: false, modeBarButtons: [["resetScale2d", "toImage"]] };
    Plotly.newPlot(plot, figure.data, figure.layout, options).then(() => Plotly.relayout(plot, colours(plot.layout)));
  });
  dark.addEventListener("change", recolour);
  window.addEventListener("beforeprint", recolour);
  window.addEventListener("afterprint", recolour);
})();
