package oracle
import ("testing";"encoding/json";"llmops/analysis/alerting/internal/random";"os";"strconv")
func TestDbg(t *testing.T){ n,_:=strconv.ParseUint(os.Getenv("SEED"),10,64); c:=random.Make(n); b,_:=json.MarshalIndent(c.Groups,""," "); t.Logf("%v %s",c.Own,b); 
a,_,_:=prometheus(t.Context(),c); o,_:=replay(t.Context(),c); x,_:=json.MarshalIndent(a.Episodes,""," "); y,_:=json.MarshalIndent(o.Episodes,""," "); os.WriteFile("/tmp/a.json",x,0o644); os.WriteFile("/tmp/b.json",y,0o644) }
