// In the place of the theme's Chart.js, 200 kB that it loads with every page: none of ours has such a chart.
