// Eigen asks for this after it has found SSE2; all of it stands in sse2.h.
