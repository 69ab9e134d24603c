planes() { :; }
