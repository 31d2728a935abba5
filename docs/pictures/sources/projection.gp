set terminal svg size 560,520 dynamic font "sans-serif,13" background "#ffffff"
set size ratio -1
set xrange [-2.5:5]
set yrange [-2.5:5]
set xlabel "first sample"
set ylabel "second sample"
unset key
set arrow from -2.5, -2.5 to 5, 5 lc rgb "#888888" dt 2 size 0.2, 20
set label "the direction 1 = (1, 1)" at 3.1, 2.6 rotate by 45
set arrow from -2.3, 2.3 to 2.3, -2.3 nohead lc rgb "#0072b2" lw 3
set label "all columns\nof mean 0" at 2.0, -1.3 textcolor rgb "#0072b2"
set arrow from -1, 1 to 3, 5 nohead lc rgb "#d55e00" dt 3 lw 1.5
set label "W a" at 0.15, 1.75 textcolor rgb "#d55e00"
set label "W a + b,\nfor three biases b" at -1.9, 4.5 textcolor rgb "#d55e00"
set label "what is left of them:\nz - mean(z)" at -2.35, -0.5 textcolor rgb "#0072b2"
set arrow from -1.5, -0.3 to -1.06, 0.82 lc rgb "#0072b2" size 0.15, 20
$points << EOD
0 2
1 3
1.7 3.7
2.6 4.6
EOD
plot $points using 1:2 with points pt 7 ps 1.1 lc rgb "#d55e00", \
     $points every ::0::0 using (-1):(1) with points pt 7 ps 1.4 lc rgb "#0072b2"
