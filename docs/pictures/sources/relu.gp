set multiplot layout 1,2
set xrange [-2:2]
set samples 401
set key top left
set yrange [-0.2:2]
plot max(x) = x > 0 ? x : 0, max(x) title "relu(x)" lt 1
set yrange [-0.2:1.6]
h = 0.5
plot x > 0 ? 1 : (x < 0 ? 0 : NaN) title "its derivative" lt 1, \
     (max(x + h) - max(x - h)) / (2 * h) title "central difference, h = 0.5" lt 2, \
     "+" using (0):(0) every ::0::0 title "what Tare takes at 0" with points pt 7 ps 0.9 lc rgb "#0072b2"
