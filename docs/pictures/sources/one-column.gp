set terminal svg size 860,300 dynamic font "sans-serif,12" background "#ffffff"
set multiplot layout 1,4
set xrange [0:13]
set yrange [-6:13]
set xtics 1,11,12
set xlabel "sample"
unset key
titles = "'x' 'x - mean' 'xhat: mean 0, variance 1' 'y = 0.5 xhat + 2'"
do for [col = 1:4] {
  set title word(titles, col)
  stats data using col + 1 nooutput
  mean = STATS_mean
  plot mean with lines lt 2, data using 1:col + 1 with impulses lc rgb "#bbbbbb", data using 1:col + 1 with points pt 7 ps 0.7 lc rgb "#0072b2"
}
