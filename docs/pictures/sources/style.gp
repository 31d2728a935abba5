# Shared by all curves: on white, so that they can be read on dark pages, too, and in colours that differ in brightness.
set terminal svg size 720,340 dynamic font "sans-serif,13" background "#ffffff"
set linetype 1 lc rgb "#0072b2" lw 2
set linetype 2 lc rgb "#d55e00" lw 2
set linetype 3 lc rgb "#444444" lw 2 dt 2
set linetype 4 lc rgb "#009e73" lw 2
set border 3 lc rgb "#666666"
set tics nomirror textcolor rgb "#222222"
set grid lc rgb "#dddddd" lt 1
set key textcolor rgb "#222222"
