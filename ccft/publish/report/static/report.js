"use strict";
// Draws the charts in the colours that the style sheet has at the moment: light, dark or print.
(() => {
  const drawings = JSON.parse(document.getElementById("drawings").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const printing = window.matchMedia("print");
  const config = { displayModeBar: false, responsive: true, showTips: false, doubleClick: false };
  const LABEL_WIDTH = 84;
  const NAME = /^var\((--[a-z0-9-]+)\)$/;

  // Replaces names of colours by their values, in properties that hold colours and nowhere else.
  const coloured = (value, isColour, styles) => {
    if (Array.isArray(value)) return value.map((item) => coloured(item, isColour, styles));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, coloured(item, /color$/.test(key), styles)]),
      );
    }
    const found = isColour && typeof value === "string" ? NAME.exec(value) : null;
    return found ? styles.getPropertyValue(found[1]).trim() : value;
  };

  const draw = () => {
    const styles = getComputedStyle(document.documentElement);
    for (const drawing of drawings) {
      const layout = coloured(drawing.layout, false, styles);
      layout.font = { ...layout.font, family: getComputedStyle(document.body).fontFamily };
      // Months are categories, whose labels plotly does not thin by itself.
      const width = document.getElementById(drawing.anchor).clientWidth;
      if (layout.xaxis.type === "category") layout.xaxis.nticks = Math.max(2, Math.floor(width / LABEL_WIDTH));
      window.Plotly.react(drawing.anchor, coloured(drawing.data, false, styles), layout, config);
    }
  };

  // Paper shows what is folded away on the screen.
  const folded = [];
  const unfold = () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      folded.push(details);
      details.open = true;
    }
  };
  const fold = () => {
    for (const details of folded.splice(0)) details.open = false;
  };

  draw();
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(draw, 150);
  });
  dark.addEventListener("change", draw);
  printing.addEventListener("change", draw);
  window.addEventListener("beforeprint", unfold);
  window.addEventListener("afterprint", fold);
  document.documentElement.dataset.drawn = "yes";
})();
