#error "a program's own core/error.h, which Tare must not include"
