"use strict";
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);
  var scheme = window.matchMedia("(prefers-color-scheme: dark)");
  var plots = [];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function shown(value, unit) {
    if (value === null || value === undefined) return "–";
    return (unit === "%" ? value.toFixed(1) : String(Math.round(value * 100) / 100)) + (unit ? " " + unit : "");
  }

  function series(one, unit) {
    var stepped = one.style !== "line";
    return {
      label: one.label,
      stroke: function () { return colour(one.colour); },
      fill: one.fill ? function () { return colour(one.fill); } : undefined,
      width: one.style === "dash" ? 1.5 : 2,
      dash: one.style === "dash" ? [5, 4] : undefined,
      paths: stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
      points: { show: false },
      spanGaps: false,
      value: function (_, value) { return shown(value, unit); }
    };
  }

  function marks(chart, spec) {
    var context = chart.ctx, ratio = devicePixelRatio || 1;
    var ends = [];
    context.save();
    data.marks.forEach(function (mark) {
      var x = Math.round(chart.valToPos(mark.at_s, "x", true));
      context.strokeStyle = context.fillStyle = colour("mark");
      context.lineWidth = 1.5 * ratio;
      context.setLineDash([2 * ratio, 3 * ratio]);
      context.beginPath();
      context.moveTo(x, chart.bbox.top);
      context.lineTo(x, chart.bbox.top + chart.bbox.height);
      context.stroke();
      if (spec.labelled) {
        context.font = "600 " + 12 * ratio + "px system-ui, sans-serif";
        var right = x > chart.bbox.left + chart.bbox.width * 0.7;
        context.textAlign = right ? "right" : "left";
        var width = context.measureText(mark.label).width + 12 * ratio, from = right ? x - width : x, row = 0;
        while (ends[row] > from) row += 1;
        ends[row] = from + width;
        context.fillText(mark.label, x + (right ? -6 : 6) * ratio, chart.bbox.top + (13 + 15 * row) * ratio);
      }
    });
    (spec.steps || []).forEach(function (step) {
      var x = chart.valToPos(step.at_s, "x", true), y = chart.valToPos(step.after, "y", true), r = 5 * ratio;
      var up = step.up ? -1 : 1;
      context.setLineDash([]);
      context.fillStyle = colour(step.colour);
      context.beginPath();
      context.moveTo(x, y + up * r * 1.7);
      context.lineTo(x - r, y + up * r * 0.1);
      context.lineTo(x + r, y + up * r * 0.1);
      context.fill();
    });
    context.restore();
  }

  function axis(extra) {
    return Object.assign({
      stroke: function () { return colour("soft"); },
      grid: { stroke: function () { return colour("grid"); }, width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif"
    }, extra);
  }

  function options(spec, width) {
    return {
      width: width,
      height: spec.height,
      padding: [8, 18, 0, 0],
      bands: (spec.bands || []).map(function (band) {
        return { series: band.series, dir: band.dir, fill: function () { return colour(band.fill); } };
      }),
      cursor: { sync: { key: "run" }, y: false, points: { size: 6 } },
      legend: { live: true },
      scales: { x: { time: false }, y: { range: function (_, low, high) { return [spec.bottom || 0, spec.top || Math.max(1, high || 1) * 1.12]; } } },
      axes: [
        axis({ size: 30, values: function (_, at) { return at.map(function (x) { return x + " s"; }); } }),
        axis({ size: 52, incrs: spec.whole ? [1, 2, 5, 10, 20, 50, 100, 1000] : undefined,
               values: function (_, at) { return at.map(function (y) { return y + (spec.unit === "%" ? " %" : ""); }); } })
      ],
      series: [{ label: "time", value: function (_, x) { return shown(x, "s"); } }].concat(
        spec.series.map(function (one) { return series(one, spec.unit); })),
      hooks: { draw: [function (chart) { marks(chart, spec); }] }
    };
  }

  data.charts.forEach(function (spec) {
    var place = document.getElementById(spec.id);
    var columns = [data.grid_s].concat(spec.series.map(function (one) { return one.values; }));
    var plot = new uPlot(options(spec, place.clientWidth), columns, place);
    plots.push(plot);
    new ResizeObserver(function () { plot.setSize({ width: place.clientWidth, height: spec.height }); }).observe(place);
  });
  scheme.addEventListener("change", function () { plots.forEach(function (plot) { plot.redraw(false, true); }); });
})();
