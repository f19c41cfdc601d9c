package engine

const childVariable = "FESCUE_ENGINE_TEST_CHILD"

func child() int { return 1 }
