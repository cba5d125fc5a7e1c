// @ts-check
/** Plotly, the part of it with two axes: 1.5 MB that a view asks for over the channel when it first draws a chart (`shared/charts.js`). No view itself. */
// @ts-ignore it brings no types
import Plotly from "plotly.js-cartesian-dist-min";

export default Plotly;
