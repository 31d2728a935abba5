set terminal svg size 860,520 dynamic font "sans-serif,12" background "#ffffff"
set multiplot layout 3,4
set xrange [-5:5]
set yrange [0:0.3]
set style fill solid 0.85
set boxwidth 0.25
set xtics -4,4,4
set ytics 0,0.1,0.3
unset key
array names[3] = ["half of He's", "He's", "twice He's"]
do for [row = 0:2] {
  do for [col = 0:3] {
    set title sprintf("%s, layer %d", names[row + 1], 3 * col + 1)
    plot data index 4 * row + col using 1:($2 > 0.3 ? 0.3 : $2) with boxes lc rgb (row == 1 ? "#0072b2" : "#d55e00")
  }
}
