/* Numbers of danger at a point of the map: which cell it is, and what is known there. */
(function (af) {
  "use strict";

  af.Cells = class {
    constructor(danger) {
      this.danger = danger;
      this.decoded = new Map(); // columns as bytes, made when first asked for
    }

    /* What is known at a point on a day; nothing outside the known cells. */
    find(day, latlng) {
      const grid = this.danger.grids[day.grid];
      const cell = cellAt(grid, latlng);
      const slot = cell === null ? -1 : slotOf(grid.runs, cell);
      if (slot < 0) return null;
      return {
        rank: Number(day.ranks[slot]),
        probability: day.probability ? this.number(day.probability, slot) : null,
        drivers: day.drivers.map((driver) => ({ driver, value: this.number(driver, slot) })),
      };
    }

    number(column, slot) {
      const code = this.code(column, slot);
      return code === 0 ? null : column.low + (code - 1) * column.step;
    }

    code({ column, bytes }, slot) {
      if (!this.decoded.has(column)) this.decoded.set(column, atob(this.danger.columns[column]));
      const text = this.decoded.get(column);
      if (bytes === 1) return text.charCodeAt(slot);
      return text.charCodeAt(2 * slot) * 256 + text.charCodeAt(2 * slot + 1);
    }
  };

  /* Cells lie in metres of their own projection; between the nodes of the lattice
     column and row follow a plane. */
  function cellAt(grid, latlng) {
    const { x, y } = L.CRS.EPSG3857.project(latlng);
    const [west, south, east, north] = grid.edges;
    const across = ((x - west) / (east - west)) * (grid.nodes - 1);
    const down = ((north - y) / (north - south)) * (grid.nodes - 1);
    if (!(across >= 0 && down >= 0 && across <= grid.nodes - 1 && down <= grid.nodes - 1)) return null;
    const column = Math.floor(between(grid.column, grid.nodes, across, down));
    const row = Math.floor(between(grid.row, grid.nodes, across, down));
    const inside = column >= 0 && row >= 0 && column < grid.width && row < grid.height;
    return inside ? row * grid.width + column : null;
  }

  function between(values, nodes, across, down) {
    const i = Math.min(Math.floor(across), nodes - 2), j = Math.min(Math.floor(down), nodes - 2);
    const u = across - i, v = down - j, at = j * nodes + i;
    const upper = values[at] * (1 - u) + values[at + 1] * u;
    const lower = values[at + nodes] * (1 - u) + values[at + nodes + 1] * u;
    return upper * (1 - v) + lower * v;
  }

  /* Runs are pairs of first cell and length; the slot counts known cells. */
  function slotOf(runs, cell) {
    let before = 0;
    for (let k = 0; k < runs.length; k += 2) {
      if (cell < runs[k]) return -1;
      if (cell < runs[k] + runs[k + 1]) return before + cell - runs[k];
      before += runs[k + 1];
    }
    return -1;
  }
})(window.agroforest);
