set xlabel "step"
set ylabel "learning rate"
set yrange [0:0.115]
set key above
plot data using 1:2 with lines title "constant" lt 3, \
     data using 1:3 with steps title "step decay: half of it every 300 steps" lt 2, \
     data using 1:4 with lines title "cosine, with a warm-up of 100 steps" lt 1
