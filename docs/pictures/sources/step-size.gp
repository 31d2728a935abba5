set logscale xy
set format x "10^{%T}"
set format y "10^{%T}"
set xlabel "step h"
set ylabel "relative error"
set yrange [1e-13:1]
set key bottom left
set arrow from 6.1e-6, graph 0 to 6.1e-6, graph 1 nohead lc rgb "#888888" dt 3
set arrow from 4.9e-3, graph 0 to 4.9e-3, graph 1 nohead lc rgb "#888888" dt 3
set label "eps^{1/3} in double" at 4.5e-6, 0.25 right
set label "in float" at 4.2e-3, 0.25 right
plot data using 1:2 with lines title "float" lt 2, data using 1:3 with lines title "double" lt 1
