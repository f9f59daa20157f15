package main

import _ "github.com/spanticket/spanticket/autoticket/autotickettest/rehearsal"

func main() {}
