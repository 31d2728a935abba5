set terminal svg size 760,560 dynamic font "sans-serif,12" background "#ffffff"
set multiplot layout 3,1
set xrange [-10:2]
set yrange [-2:2]
set xtics -10,2,2
set ytics -2,1,2
set samples 200
set isosamples 200
set contour base
set cntrparam levels discrete 1, 4, 9, 16, 25, 36, 50
unset surface
set table $contours
splot (x * x + 25 * y * y) / 2
unset table
set key top right
titles = "'gradient descent, 1.8 / largest curvature' 'momentum 0.8' 'Adam'"
do for [i = 0:2] {
  plot $contours using 1:2 with lines lc rgb "#cccccc" lw 1 notitle, \
       data index i using 1:2 with linespoints lt 1 pt 7 ps 0.4 title word(titles, i + 1)
}
