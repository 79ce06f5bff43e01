module lode/bench/go

go 1.26
